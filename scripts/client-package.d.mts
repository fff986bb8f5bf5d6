export function writeClientPackage (directory: string, options?: { types?: boolean }): Promise<void>

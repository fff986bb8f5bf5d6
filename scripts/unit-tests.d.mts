export const NEEDS: readonly { need: string, matches: (path: string) => boolean }[]

export function testFiles (): Promise<{ file: string, need: string | undefined }[]>

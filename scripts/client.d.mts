export function compileClient (entry: string, format: 'iife' | 'esm'): Promise<string>

export function compileClient (entry: string, format: 'iife' | 'esm' | 'cjs'): Promise<string>

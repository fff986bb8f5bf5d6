export const version: string

export function clientFiles (): { file: string, name: string, integrity: string }[]

export function oneMillion (read: (name: string) => unknown): string | undefined

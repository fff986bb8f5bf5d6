import type { Mistake } from './mistakes.mjs'

export function plant (mistake: Mistake): { readonly directory: string, readonly program: string, readonly remove: () => void }

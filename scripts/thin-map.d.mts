export interface Map { version: number, file: string, sources: string[], names: string[], mappings: string }

export function thinMap (map: { sources: string[], mappings: string }, file: string, omitted: string): Map

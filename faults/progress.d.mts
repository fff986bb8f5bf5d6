export function whileProgressing (isOver: () => boolean, progress: () => number, stallMs: number): Promise<boolean>

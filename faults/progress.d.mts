export function whileProgressing (promise: Promise<unknown>, progress: () => number, stallMs: number): Promise<boolean>

/** The sizes of the lists in the register. */
export const limits: { departed: number, growth: number }

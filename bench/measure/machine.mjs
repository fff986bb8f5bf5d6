import { cpus, release, totalmem } from 'node:os'
import { pinned } from '../process/children.mjs'

/** The properties of the machine that a reader needs to judge the figures. */
export function machine () {
  const [cpu] = cpus()
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
    cpu: cpu.model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release().split('-')[0]}`,
    node: process.version,
    pinned
  }
}

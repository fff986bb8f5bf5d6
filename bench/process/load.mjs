// Runs one load job in a process of its own, on the core that the server does not use.
import { fileURLToPath } from 'node:url'
import { start, stop } from './children.mjs'

const LOAD_CORE = 1
const WORKER = fileURLToPath(new URL('../load/worker.mjs', import.meta.url))

/** Resolves to the job's result; rejects when the job fails or outlives `timeoutMs`. */
export async function runLoad (job, options, timeoutMs) {
  const child = start(process.execPath, [WORKER], { core: LOAD_CORE, ipc: true })
  let timer
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the ${job} load took longer than ${timeoutMs / 1_000} s`)), timeoutMs)
      child.gone.then((how) => reject(new Error(`the ${job} load ended early (${how}) ${child.errorText.trim()}`)))
      child.on('message', ({ result, error }) => {
        if (error === undefined) resolve(result)
        else reject(new Error(error))
      })
      child.send({ job, options })
    })
  } finally {
    clearTimeout(timer)
    await stop(child)
  }
}

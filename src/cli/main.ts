#!/usr/bin/env node
// The program as it is installed. The service is loaded only where it runs: the other commands start faster without it.
import { runProgram } from './program.js'

await runProgram(process.argv.slice(2), process.env, async (args) => {
  const { main } = await import('../server.js')
  await main(args)
})

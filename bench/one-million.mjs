// node bench/one-million.mjs: writes docs/one-million.md anew from the results that there are.
import { finish, writeReports } from './program.mjs'

await finish(async () => { writeReports() })

import { connectToChannel } from './index.js'

Object.assign(globalThis, { connectToChannel })

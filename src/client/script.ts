import { connectToChannel } from './index.js'

(globalThis as { connectToChannel?: typeof connectToChannel }).connectToChannel = connectToChannel

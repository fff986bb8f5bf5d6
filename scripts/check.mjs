// `npm run check`: lint and types.
import { check, conclude } from './steps.mjs'

const { failures, seconds } = await check()
conclude({ passed: Object.keys(seconds).length - failures.length, failures, seconds })

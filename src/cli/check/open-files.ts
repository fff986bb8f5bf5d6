import type { Config } from '../../config.js'
import type { Finding } from './finding.js'

/** Files beside the connections of subscribers: connections of publishers, of Redis, modules. */
const SPARE_FILES = 1_100

/** Whether the system lets the process open as many files as it may have connections. */
export function openFiles ({ messenger: { maxConnections } }: Config, limit: number = limitIn(process.report)): Finding {
  const subject = 'open files'
  const needed = maxConnections + SPARE_FILES
  if (limit >= needed) return { level: 'ok', subject, text: `${shown(limit)} allowed, ${needed} needed` }
  return {
    level: 'warn', subject,
    text: `${shown(limit)} allowed, but ${needed} needed for MAX_CONNECTIONS ${maxConnections}: raise the limit (ulimit -n, LimitNOFILE=) ` +
      `or set MAX_CONNECTIONS to ${Math.max(1, limit - SPARE_FILES)}`
  }
}

/** A report of the process, as far as it is read here. */
export interface LimitReport {
  getReport (): unknown
}

/** The hard limit, to which Node.js raises the soft one at its start; infinite where the system has none. */
export function limitIn (report: LimitReport): number {
  // Without the interfaces of the network, whose names would be looked up.
  Object.assign(report, { excludeNetwork: true })
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { hard: unknown } } }
  const hard = userLimits?.open_files?.hard
  return typeof hard === 'number' ? hard : Infinity
}

function shown (limit: number): string {
  return limit === Infinity ? 'any number' : String(limit)
}

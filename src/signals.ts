import { isatty } from 'node:tty'

/** The signals that end a service; `SIGUSR2` is sent by nodemon, `SIGBREAK` by Ctrl+Break on Windows. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']
/** A terminal, or a manager that ends a group of processes, also signals npm, which passes the signal on: it arrives twice. */
const REPEATED_SIGNAL_MS = 1_000

/** Dependencies of {@link onSignals}. */
export interface SignalPorts {
  /** Called for the first signal. */
  readonly close: (signal: NodeJS.Signals) => void
  /** Called for a later one, which aborts the close. */
  readonly abort: (signal: NodeJS.Signals) => void
}

/**
 * Listens for the signals that end the process. The end of a terminal (`SIGHUP`) is one only for a process with a terminal: under
 * `nohup`, which detaches it, the process is to continue.
 */
export function onSignals (
  { close, abort }: SignalPorts, hasTerminal: () => boolean = () => [0, 1, 2].some((stream) => isatty(stream))
): void {
  let closingSince: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (closingSince === undefined) {
      closingSince = now
      close(signal)
    } else if (now - closingSince > REPEATED_SIGNAL_MS) {
      abort(signal)
    }
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('SIGHUP', hasTerminal() ? onSignal : () => {})
  // The message of pm2 on systems without signals.
  process.on('message', (message) => { if (message === 'shutdown') onSignal('SIGTERM') })
}

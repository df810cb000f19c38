/**
 * @file Ctrl-C: the first asks the command to save its state and stop, the second stops at once.
 */

/**
 * `process.exit` waits for running threads or tears the engine down under them; a signal does not.
 * Shells say 130 for it.
 */
function stopAtOnce(): void {
  // Half-written files are cleared away by what listens for this.
  process.emit('exit', 130)
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}

/**
 * Listens for SIGINT and SIGTERM.
 * @param onFirst called once, to tell the user
 */
export function interruption(onFirst: () => void): AbortSignal {
  const controller = new AbortController()
  const interrupt = () => {
    if (controller.signal.aborted) stopAtOnce()
    controller.abort()
    onFirst()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return controller.signal
}

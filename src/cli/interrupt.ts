/** @file Ctrl-C: the first asks the command to save its state and stop, the second stops at once. */

/**
 * Listens for SIGINT and SIGTERM.
 * @param onFirst called once, to tell the user
 */
export function interruption(onFirst: () => void): AbortSignal {
  const controller = new AbortController()
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
    onFirst()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return controller.signal
}

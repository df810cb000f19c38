/** @file Pieces of work side by side. */

/**
 * Starts all at once; the first failure is thrown when all have ended, so that each has saved its
 * state.
 */
export async function together<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(work))
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value
    throw one.reason
  })
}

/** Streams whose items are worked on at the same time, and come out in order. */

/** What `ask` makes of each item of a stream, in order; no more than `ahead` of them are under way at a time. */
export async function* inOrder<T, R>(
  stream: AsyncIterable<T> | Iterable<T>,
  ahead: number,
  ask: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  try {
    for await (const item of stream) {
      const answer = ask(item);
      // It is thrown when its turn comes; until then it is not unhandled.
      answer.catch(() => {});
      pending.push(answer);
      if (pending.length >= ahead) yield await (pending.shift() as Promise<R>);
    }
    while (pending.length > 0) yield await (pending.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(pending);
  }
}

/** Waits until all are done, and throws what the first of them that failed has thrown. */
export async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** A queue's turn: messages that have come are heard before the next job is begun. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    // Browsers have no setImmediate, and their timers wait for longer than a small batch takes.
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

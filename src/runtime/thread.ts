/** What Comlink talks through. */
export interface Endpoint {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: object): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: object): void;
}

/** A thread that was started, seen from the one that started it. */
export interface Thread extends Endpoint {
  /** When the thread listens: what it is sent before that may be lost. Never, for one that ends before it has come so far. */
  readonly ready: Promise<void>;
  /** Why the thread has ended, when it has, whatever ended it. Never rejects. */
  readonly ended: Promise<Error>;
  /** Whether the process goes on as long as the thread does. A new thread does not keep it. Browsers have no such thing. */
  hold(on: boolean): void;
  terminate(): void;
}

/** What a thread says when it listens, with the name of a lock that it holds as long as it lives, if it has one. */
export interface Ready {
  readonly listens: true;
  readonly lock?: string;
}

function isReady(data: unknown): data is Ready {
  return typeof data === 'object' && data !== null && 'listens' in data;
}

/** Resolves with what the thread says when it listens. */
export function readiness(endpoint: Endpoint): Promise<Ready> {
  return new Promise((resolve) => {
    const hear = (event: Event): void => {
      const { data } = event as MessageEvent<unknown>;
      if (!isReady(data)) return;
      endpoint.removeEventListener('message', hear);
      resolve(data);
    };
    endpoint.addEventListener('message', hear);
  });
}

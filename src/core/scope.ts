import { disposal } from './disposal.js';

/** Scopes: tensors made between the beginning and the end of one are freed at its end, unless they leave it. */

/** What a scope can own: tensors, and nodes of a graph for the values they saved. */
export interface Owned {
  /** The scope that will free this, or null when nothing but its holder does. */
  scope: Scope | null;
  /** Frees it. Called at most once by a scope. */
  dispose(): void;
  /** Everything else that has to leave a scope together with this. */
  reach(visit: (owned: Owned) => void): void;
}

/** A stretch of a program that frees, at its end, the tensors made in it; `scope()` opens one. */
export class Scope {
  private owned: Owned[] = [];
  private open = true;

  /** `parent` is the scope around this one, which takes over what leaves it. */
  constructor(readonly parent: Scope | null) {}

  get isOpen(): boolean {
    return this.open;
  }

  add(owned: Owned): void {
    owned.scope = this;
    this.owned.push(owned);
  }

  /** Frees what was made since the scope began and neither kept nor moved out. Ending a scope twice does nothing. */
  end(): void {
    if (!this.open) return;
    this.open = false;
    const at = scopes.lastIndexOf(this);
    if (at >= 0) scopes.splice(at, 1);
    // Nodes hold values that their tensors share; freeing in reverse order returns memory in the order of a stack.
    for (let i = this.owned.length - 1; i >= 0; i--) {
      const owned = this.owned[i] as Owned;
      if (owned.scope !== this) continue;
      owned.scope = null;
      owned.dispose();
    }
    this.owned = [];
  }

  [disposal](): void {
    this.end();
  }
}

/** Open scopes, the innermost last; null where `within` has stepped out of all of them. */
const scopes: (Scope | null)[] = [];

/** The innermost open scope. */
export function currentScope(): Scope | null {
  return scopes[scopes.length - 1] ?? null;
}

export function openScope(): Scope {
  const scope = new Scope(currentScope());
  scopes.push(scope);
  return scope;
}

/** Gives `owned` to the innermost scope, if there is one. */
export function own(owned: Owned): void {
  const scope = scopes[scopes.length - 1];
  if (scope != null) scope.add(owned);
}

/** Runs `body` as if `scope` (null: none) were the innermost one: it owns what the body makes. */
export function within<T>(scope: Scope | null, body: () => T): T {
  scopes.push(scope);
  try {
    return body();
  } finally {
    scopes.splice(scopes.lastIndexOf(scope), 1);
  }
}

/** Moves `root`, and all that it needs to stay usable, from whatever scope owns it to `target` (null: to nobody). */
export function moveTo(root: Owned, target: Scope | null): void {
  const pending = [root];
  const seen = new Set<Owned>();
  while (pending.length > 0) {
    const owned = pending.pop() as Owned;
    if (seen.has(owned)) continue;
    seen.add(owned);
    if (owned.scope !== null && owned.scope !== target) {
      owned.scope = null;
      // A scope that has already ended frees nothing any more; what moves there is nobody's.
      if (target?.isOpen) target.add(owned);
    }
    owned.reach((next) => pending.push(next));
  }
}

/** Whether `deterministic(true)` is in force: for devices too, which the module that sets it knows. */
let strict = false;

export function isDeterministic(): boolean {
  return strict;
}

export function setStrict(on: boolean): void {
  strict = on;
}

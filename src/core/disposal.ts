declare const unnamed: unique symbol;

/** Symbol.dispose, where the compiler knows it; a program whose `lib` has none cannot write `using` either. */
type Disposal = SymbolConstructor extends { readonly dispose: infer S extends symbol } ? S : typeof unnamed;

/**
 * The name of the method that ends a `using` block: Symbol.dispose, and where the runtime has none yet, the name that compilers
 * put in its place.
 */
export const disposal: Disposal = Symbol.dispose ?? (Symbol.for('Symbol.dispose') as Disposal);

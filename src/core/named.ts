/**
 * What may follow an op's tensors: values in the order of `N`, or a trailing object of options `O` in the place of any of
 * them. null stands for a value that is not given, as PyTorch's None does.
 */
export type NamedArguments<O, N extends readonly (keyof O)[]> = {
  readonly [I in keyof N]?: O[N[I] & keyof O] | O | null;
};

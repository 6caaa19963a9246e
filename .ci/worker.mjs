// Run by workerd's own test command: the package, bundled, on a runtime that refuses to compile WebAssembly.
import { deterministic, tensor } from 'fettle';

function gradient() {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.mul(x).sum().backward();
  return JSON.stringify(x.grad.toArray());
}

export default {
  test() {
    for (const strict of [false, true]) {
      deterministic(strict);
      if (gradient() !== '[2,4,6]') throw new Error(`strict ${strict}: expected [2,4,6], got ${gradient()}`);
    }
    console.log('fettle computes on workerd, bundled');
  },
};

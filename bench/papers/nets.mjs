/** The networks of the papers, for images [N, 1, 28, 28]. Seed the random numbers before making one. */
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'fettle/nn';

/**
 * Fully connected layers with ReLU between them, named fc1, relu1, fc2, …
 *
 * @param {readonly number[]} widths   Of the layers, the inputs first.
 */
export function mlp(widths) {
  /** @type {Record<string, import('fettle/nn').Module & { forward(x: import('fettle').Tensor): import('fettle').Tensor }>} */
  const layers = { flatten: new Flatten() };
  for (let i = 1; i < widths.length; i++) {
    layers[`fc${i}`] = new Linear(/** @type {number} */ (widths[i - 1]), /** @type {number} */ (widths[i]));
    if (i < widths.length - 1) layers[`relu${i}`] = new ReLU();
  }
  return new Sequential(layers);
}

/** LeNet-300-100: 266,610 parameters (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition"). */
export function lenet300() {
  return mlp([784, 300, 100, 10]);
}

/** LeNet-5 in the form that Caffe gave it, 20-50-500-10: 431,080 parameters. */
export function lenet5() {
  return new Sequential({
    conv1: new Conv2d(1, 20, 5),
    pool1: new MaxPool2d(2),
    conv2: new Conv2d(20, 50, 5),
    pool2: new MaxPool2d(2),
    flatten: new Flatten(),
    fc1: new Linear(800, 500),
    relu1: new ReLU(),
    fc2: new Linear(500, 10),
  });
}

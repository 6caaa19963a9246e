import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, type Module, ReLU, Sequential } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';

/** The networks of the demonstration. */

export type Net = Module & { forward(x: Tensor): Tensor };

type Shape = readonly [channels: number, height: number, width: number];

/** Small images are halved once between the convolutions, larger ones after each. */
function isSmall([, height, width]: Shape): boolean {
  return Math.min(height, width) < 16;
}

/** Two convolutions and two linear layers, with dropout between: what the others are made from or compared with. */
export function teacherNet(shape: Shape, classes: number): Net {
  const [channels, height, width] = shape;
  const small = isSmall(shape);
  const [h, w] = [height, width].map((s) => (small ? s >> 1 : s >> 2)) as [number, number];
  return new Sequential({
    conv1: new Conv2d(channels, 16, 3, { padding: 1 }),
    relu1: new ReLU(),
    ...(small ? {} : { pool1: new MaxPool2d(2) }),
    conv2: new Conv2d(16, 32, 3, { padding: 1 }),
    relu2: new ReLU(),
    pool2: new MaxPool2d(2),
    flatten: new Flatten(),
    fc1: new Linear(32 * h * w, 128),
    relu3: new ReLU(),
    dropout: new Dropout(0.3),
    fc2: new Linear(128, classes),
  });
}

/** Less than a tenth of the teacher: fewer channels, and no hidden linear layer. */
export function studentNet([channels, height, width]: Shape, classes: number): Net {
  const [h, w] = [height >> 2, width >> 2];
  return new Sequential({
    conv1: new Conv2d(channels, 16, 3, { padding: 1 }),
    relu1: new ReLU(),
    pool1: new MaxPool2d(2),
    conv2: new Conv2d(16, 24, 3, { padding: 1 }),
    relu2: new ReLU(),
    pool2: new MaxPool2d(2),
    flatten: new Flatten(),
    fc: new Linear(24 * h * w, classes),
  });
}

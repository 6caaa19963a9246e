/** Under which heading of the API a thing stands: by the file that declares it, since files hold one idea. */

/** @type {readonly (readonly [heading: string, files: RegExp])[]} */
const chapters = [
  ['Tensors', /^core\/tensor\.|^tensor\.ts|ops\/(create|fills|like|signalwindow|fftfreq)\./],
  ['Gradients', /^autograd\//],
  ['Memory', /^core\/(scop|device)|^backend\/current\./],
  ['Threads and devices', /^backend\/|^webgpu\/|ops\/turbo\./],
  ['Random numbers', /^core\/random|ops\/(random|distributions)\./],
  ['Sparse tensors', /ops\/sparse/],
  [
    'Modules and containers',
    /^nn\/(module|container|parallel|parametercontainer|clone|hooks|summary|topology|layertype)/,
  ],
  ['Linear, embedding', /^nn\/(linear|bilinear|embedding|sparseinput|simple)/],
  ['Convolution and pools', /^nn\/(conv|pool|unpool|adaptivepool|fold|padding|pixelshuffle|upsample)/],
  ['Recurrent', /^nn\/(recurrent|sequence)/],
  ['Attention and transformers', /^nn\/(attention|transformer)/],
  ['Norms and dropout', /^nn\/(norm|layernorm|dropout)/],
  ['Activations', /^nn\/activation/],
  ['Losses', /^nn\/(loss|marginloss)/],
  ['Losses', /ops\/(.*loss.*|crossentropy|ctc|likelihood|multimargin)\./],
  ['Activations', /ops\/(activation|softmax|shrinkage)\./],
  ['Convolution and pools', /ops\/(conv|.*pool|unfold|window|.*unpool)/],
  ['Norms, attention, embedding, dropout', /ops\/(attention|norm|normalize|.*norm|embedding|alphadropout)\./],
  ['Images', /ops\/(affinegrid|grid|interpolate|pixelshuffle|resample)/],
  ['Fourier transforms', /ops\/(fft|fftn|stft|fourier)\./],
  ['Products', /ops\/(matmul|products|product|einsum|distance|similarity|bilinear|vectornorm)\./],
  ['Reductions', /ops\/(reduce|statistics|counting|scan|runningextreme|difference|rank)\./],
  ['Sorting and sets', /ops\/(sort|unique|membership)\./],
  ['Indexing', /ops\/(index|masked|scatter|subscript|paste|filldiagonal)/],
  ['Shapes', /ops\/(movement|combine|join|stacking|rearrange|turning|triangle|pad|broadcast|shape)/],
  ['Comparison and bits', /ops\/(compare|closeness|bitwise|choice)\./],
  ['Element by element', /ops\//],

  ['Pruning', /^compress\/pruning\//],
  ['Shrinking', /^compress\/structure\//],
  ['Sparse layers', /^compress\/sparsity\//],
  ['Distillation', /^compress\/distillation\//],
  ['Quantization', /^compress\/quantization\//],
  ['Codebooks and factors', /^compress\/(codebook|lowrank)\//],
  ['Choosing a method', /^compress\/(choosing\/|counting|latency)/],
  ['Packing', /^compress\/storing\//],

  ['Data sets', /^data\/(dataset|digits|mnist|cifar|csv|idx|sparse|read|source)/],
  ['Loading', /^data\/(loader|collate|workers|sampler)/],
  ['Splits and subsets', /^data\/(split|parts|folds|crossvalidate|coreset|labels|check)/],
  ['Images', /^data\/(images|transforms)/],
  ['Preprocessing', /^data\/preprocessing/],
  ['Sound', /^data\/audio/],
  ['Text', /^data\/text/],

  ['Optimizers', /^optim\/(?!clip|average|updatebn|scheduler)/],
  ['Clipping and averages', /^optim\/(clip|average|updatebn)/],
];

/** The order in which headings are shown. What has no heading of its own is last, with options and types behind it. */
export const order = [
  ...new Set(chapters.map(([heading]) => heading)),
  'In place',
  '*',
  'Second names',
  'Options and types',
];

/**
 * @param {string} file  relative to src/
 * @param {string} name
 * @param {boolean} isType  whether it is an interface or an alias
 * @returns {string | undefined}
 */
export function chapterOf(file, name, isType) {
  if (isType) return 'Options and types';
  if (/^(ops|tensor)\//.test(file) && name.endsWith('_')) return 'In place';
  if (/ops\/aliases\./.test(file)) return 'Second names';
  return chapters.find(([, files]) => files.test(file))?.[0];
}

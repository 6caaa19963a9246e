import { evalFile } from '../eval.js';
import { COMPUTING, DEVICE, dataName, type Entry, oneFile } from '../options.js';
import { formatPercent } from '../table.js';
import { shortPath } from '../usage.js';

export const evalCommand: Entry<{ readonly file: string; readonly data: string | null }> = {
  options: { ...COMPUTING, ...DEVICE },
  read: (parsed) => ({
    file: oneFile('eval', parsed, 'runs/…/teacher.safetensors'),
    data: dataName(parsed.values.data, { every: true }),
  }),
  async run({ file, data }, { json, device, stream }) {
    const score = await evalFile(file, data, device);
    const what = score.data.startsWith('csv:') ? 'test samples' : 'test images';
    const text = `${shortPath(score.file)}: ${formatPercent(score.accuracy)} of ${score.samples} ${what} of ${score.data} right`;
    stream.write(json ? `${JSON.stringify(score)}\n` : `${text}\n`);
  },
};

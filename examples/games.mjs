/**
 * Games: a network learns tic-tac-toe by playing against itself and against chance, from nothing but who won (REINFORCE, Williams
 * 1992, with the mean result as the baseline).
 */
import { logSoftmax, manualSeed, noGrad, rand, scope, tensor } from 'fettle';
import { Linear, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';

const rounds = process.env.QUICK ? 150 : 1600;
const LINES = ['012', '345', '678', '036', '147', '258', '048', '246'].map((line) => [...line].map(Number));
manualSeed(0);

const policy = new Sequential(new Linear(18, 96), new ReLU(), new Linear(96, 9));
const optimizer = new Adam(policy.parameters(), { lr: 3e-3 });

/** Who has three in a row: 1, −1, or 0. @param {number[]} board */
const winner = (board) => {
  const sums = LINES.map((line) => line.reduce((sum, place) => sum + Number(board[place]), 0));
  return sums.includes(3) ? 1 : sums.includes(-3) ? -1 : 0;
};
/** −1e9 where there is a stone. @param {{ board: number[] }[]} turns */
const taken = (turns) => tensor(turns.map(({ board }) => board.map((stone) => (stone === 0 ? 0 : -1e9))));
/** Logits of moves for a player, who sees own stones, then the other's. @param {{ board: number[], player: number }[]} turns */
const moves = (turns) => {
  const stones = (/** @type {number[]} */ board, /** @type {number} */ of) =>
    board.map((stone) => Number(stone === of));
  const seen = turns.map(({ board, player }) => [...stones(board, player), ...stones(board, -player)]);
  return policy.forward(tensor(seen)).add(taken(turns));
};

// The network moves for `players`, by chance if it is bold, and others move anywhere.
/** Plays games side by side. @param {number} games @param {number[]} players @param {boolean} bold */
function play(games, players, bold) {
  const boards = Array.from({ length: games }, () => new Array(9).fill(0));
  const results = new Array(games).fill(0);
  /** @type {{ game: number, board: number[], player: number, move: number }[]} */
  const told = [];
  for (let turn = 0, player = 1; turn < 9; turn++, player = -player) {
    const open = boards.flatMap((board, game) => (results[game] === 0 ? [{ game, board: [...board], player }] : []));
    if (open.length === 0) break;
    const mine = players.includes(player);
    const chosen = scope(() => {
      const likes = noGrad(() => (mine ? moves(open) : taken(open)));
      // The largest of logits and Gumbel noise is a draw from their softmax.
      const noise = bold || !mine ? rand([open.length, 9]).clamp(1e-9, 1).log().neg().log().neg() : 0;
      return likes.add(noise).argmax(1).dataSync();
    });
    for (const [i, { game }] of open.entries()) {
      const board = boards[game] ?? [];
      board[Number(chosen[i])] = player;
      results[game] = winner(board);
    }
    if (mine) told.push(...open.map((one, i) => ({ ...one, move: Number(chosen[i]) })));
  }
  return { results, told };
}

for (let round = 0; round < rounds; round++) {
  const { results, told } = play(64, [[1, -1], [1], [-1]][round % 3] ?? [], true);
  scope(() => {
    const gains = tensor(told.map(({ game, player }) => results[game] * player));
    const made = tensor(told.map(({ move }) => [move])).int();
    const chances = logSoftmax(moves(told), 1).gather(1, made).squeeze(1);
    optimizer.zeroGrad();
    chances.mul(gains.sub(gains.mean())).mean().neg().backward();
    optimizer.step();
  });
}

const results = [...play(500, [1], false).results, ...play(500, [-1], false).results.map((result) => -result)];
const [won = 0, lost = 0] = [1, -1].map((wanted) => results.filter((result) => result === wanted).length / 1000);
/** @type {(share: number) => string} */
const percent = (share) => `${(100 * share).toFixed(1)} %`;
console.log(`games: wins ${percent(won)} and loses ${percent(lost)} of 1,000 games against chance`);

export { lost, won };

export const model = 'not the default export';

/**
 * Imports a package that is installed in this folder. Here because a package is looked for from the file that asks for it.
 *
 * @param {string} name
 * @returns {Promise<any>}
 */
export const load = (name) => import(name);

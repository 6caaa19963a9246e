/** What answers requests with it. */
declare const service: { fetch(request: Request): Promise<Response> };
export default service;

// @ts-check
/** A request to the edge (`rest.rs`). */

/**
 * Sends it, with a JSON body where one is defined. Answers how it was taken, and the body of the answer, if that is JSON; null where there was
 * no answer within `patience` ms.
 * @param {string} method
 * @param {string} url
 * @param {string | undefined} token
 * @param {unknown} body
 * @param {number} patience
 */
export async function request(method, url, token, body, patience) {
  const headers = new Headers();
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  const asked = new Request(url, {
    method,
    headers,
    body: JSON.stringify(body),
    // A report must outlive the page that sends it.
    keepalive: true,
    // An edge that takes a request and never answers it is not there.
    signal: AbortSignal.timeout(patience),
  });
  const answer = await fetch(asked).catch(() => null);
  return answer && { ok: answer.ok, status: answer.status, title: answer.statusText, value: await answer.json().catch(() => undefined) };
}

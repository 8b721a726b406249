/** The service worker: which event leads where. */
import { activate, install, respond } from './cache.ts';
import { click } from './click.ts';
import { push } from './push.ts';
import { renew } from './subscription.ts';

declare const self: ServiceWorkerGlobalScope;

self.addEventListener('install', (event) => event.waitUntil(install(event)));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const response = respond(event.request);
  if (response) event.respondWith(response);
});
self.addEventListener('push', (event) => event.waitUntil(push(event)));
self.addEventListener('notificationclick', click);
self.addEventListener('pushsubscriptionchange', (event) => (event as ExtendableEvent).waitUntil(renew(event as ExtendableEvent)));

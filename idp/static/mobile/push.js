// Being woken up when a login waits. A push says no more than that there is something to ask for.
import { base64url, fromBase64url } from "/mobile/keys.js";
import { send } from "/mobile/server.js";

export const possible = () => "PushManager" in window && "Notification" in window && "serviceWorker" in navigator;
export const undecided = () => possible() && Notification.permission === "default";

// Makes a subscription, or takes the one there is, and tells the server. Asks the person where they were not asked before.
export async function subscribe(key) {
  if (!possible() || (await Notification.requestPermission()) !== "granted") return false;
  const { pushManager } = await navigator.serviceWorker.ready;
  let subscription = await pushManager.getSubscription();
  const theirs = subscription?.options?.applicationServerKey;
  if (theirs && base64url(theirs) !== key) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64url(key) });
  const { endpoint, keys } = subscription.toJSON();
  await send("push", { subscription: { endpoint, p256dh: keys.p256dh, auth: keys.auth } });
  return true;
}

export async function unsubscribe() {
  const registration = await navigator.serviceWorker?.getRegistration?.("/mobile");
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

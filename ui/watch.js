/* One stream beside the snapshot, for the part of the window that is on the screen.

   It is open only while the page can be seen; who opened it closes it by calling what is returned. */

const AGAIN = 3000; // ms until a stream that was refused is tried once more

/** `address` is a function: it is asked at each opening for what is still missing. */
export function watch(address, onNews) {
  let source = null;
  let timer = null;
  const shut = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  };
  const open = () => {
    shut();
    if (document.hidden) return;
    source = new EventSource(address());
    source.addEventListener('news', (event) => onNews(JSON.parse(event.data)));
    source.addEventListener('error', () => {
      // The browser would come back to the old address, and get again what it has.
      shut();
      timer = setTimeout(open, AGAIN);
    });
  };
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    document.removeEventListener('visibilitychange', open);
    shut();
  };
}

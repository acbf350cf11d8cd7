/* Runs before the first paint, so that a dark window never flashes white.

   The app may write the resolved theme into the data-theme attribute when it serves the page
   (WebKit on Linux does not follow the desktop's own setting); "system" is resolved here. */
(function () {
  'use strict';
  var root = document.documentElement;
  if (root.dataset.theme !== 'light' && root.dataset.theme !== 'dark') {
    var dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'dark' : 'light';
  }
}());

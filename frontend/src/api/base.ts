/** Where the pages live: "/" or, inside another application, "/its/path/". Ends with a slash. */
export const BASE_PATH = new URL(document.baseURI).pathname;

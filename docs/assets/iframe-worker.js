// Pages opened as files may not start workers; the search runs in a hidden frame there instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.frame = frame.contentWindow;
      this.ready = new Promise((done) => {
        addEventListener("message", (event) => {
          if (event.source !== this.frame) return;
          if (event.data === "worker starts") return done();
          this.dispatchEvent(new MessageEvent("message", { data: event.data }));
          this.onmessage?.(event);
        });
      });
      // The worker's `postMessage` and `importScripts` are those of a frame.
      this.frame.document.open();
      this.frame.document.write(`<body><script>
        postMessage = (data) => parent.postMessage(data, "*");
        importScripts = (...urls) => urls.reduce((before, url) => before.then(() =>
          new Promise((done) => {
            const script = document.createElement("script");
            script.src = url;
            script.onload = done;
            document.body.append(script);
          })), Promise.resolve());
      <\/script><script src="${url}"><\/script>
      <script>postMessage("worker starts")<\/script>`);
      this.frame.document.close();
    }
    postMessage(data) {
      this.ready.then(() =>
        this.frame.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })),
      );
    }
    terminate() {
      this.frame.frameElement.remove();
    }
  };
}

"use strict";
// The worker's side: it holds the network, writes when it is asked, and can be stopped between two frames.

let network = null, current = null;

const pause = () => new Promise((done) => {  // let a message in
  const {port1, port2} = new MessageChannel();
  port1.onmessage = () => { port1.close(); done(); };
  port2.postMessage(null);
});

async function writeWays({run, job, attempts, options, part}) {
  current = run;
  for (let number = 0; number < attempts; number++) {
    const writer = attempt(network, job, {...options, seed: options.seed + number});
    let now = writer.next();
    while (!now.done) {
      const {frame, share, cells} = now.value;
      if (frame % part === part - 1) {
        postMessage({run, share: (number + share) / attempts, part: number ? null : fromJob(job, cells())});
        await pause();
        if (current !== run) return;
      }
      now = writer.next();
    }
    postMessage({run, way: {...now.value, cells: fromJob(job, now.value.cells)}});
  }
  postMessage({run, finished: true});
}

onmessage = ({data}) => {
  if (data.network) network = networkFrom(JSON.parse(data.network));
  else if (data.stop) current = null;
  else writeWays(data);
};

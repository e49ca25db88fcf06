// What tests/show/test_engine.py asks of the page, beside its own functions: evaluated once, seen as `lab`.
({arrays, dilations, learned}) => {
    const numbers = (text, kind) => new kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
    const each = (kept, make) => Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, make(value)]));
    const shipped = JSON.parse(document.getElementById("network").textContent);
    globalThis.lab = {learned, numbers,
        exact: new Network(each(arrays, (text) => numbers(text, Float32Array)), dilations),
        bytes: networkFrom(shipped),
        drafts: (network, {cells, known, form}) => {
            const read_ = read(blankHidden(cells, known), known, form);
            return new Drafts(network, read_, network.prepare(read_));
        },
        run: (network, job, options) => {
            const steps = attempt(network, job, {temperature: 0.5, drafts: 2, seed: 1, ...options}), shares = [];
            for (let step = steps.next(); ; step = steps.next()) {
                if (step.done) return {...step.value, shares};
                shares.push(step.value.share);
                if (step.value.frame === 20) lab.partly = step.value.cells();
            }
        },
        sound: (score) => {
            const whole = (value, low, high) => Number.isInteger(value) && value >= low && value < high;
            const bar = score.metre[0] * 16 / score.metre[1];
            return score.cells.length > 0 && score.cells.length <= MOST_FRAMES && score.title.length > 0
                && score.cells.every((row) => row.length === 4 && row.every((cell) => whole(cell, -1, 2 * HELD)))
                && score.cells.some((row) => row.some((cell) => cell >= 0)) && whole(bar, 1, 1025) && whole(score.upbeat, 0, bar)
                && whole(score.tonic, 0, 12) && ["major", "minor"].includes(score.mode) && score.tempo >= 20 && score.tempo <= 300
                && score.fermatas.length > 0 && score.fermatas.every((mark) => whole(mark, 0, score.cells.length))
                && score.given.length === 4 && score.said.length >= 3 && score.said.every((words) => /^[A-Z].*\.$/.test(words));
        },
        open: async (name, bytes) => {  // the score, or the sentence of an Error; all else fails
            try { return await readFile(name, bytes, learned); } catch (error) {
                if (error.constructor !== Error || !/^[A-Z].*: .*\.$/.test(error.message)) throw error;
                return error.message;
            }
        },
        openAll: async (files) => {  // how many were scores, and of how many one was not sound
            let scores = 0;
            for (const [name, bytes] of files) {
                const found = await lab.open(name, bytes);
                if (typeof found === "string") continue;
                scores++;
                if (!lab.sound(found)) throw new Error(`${name}: ${JSON.stringify({...found, cells: found.cells.length})}`);
            }
            return {files: files.length, scores};
        },
        damage: async ([text, kind, seed]) => {
            const whole = lab.numbers(text, Uint8Array), chance = random(seed), files = [];
            for (let size = 0; size < whole.length; size += 7) files.push([`cut at ${size}`, whole.slice(0, size)]);
            for (let number = 0; number < 400; number++) {  // some bytes changed, cut out, or put in
                const changed = whole.slice(), many = 1 + Math.floor(chance() * 12), from = Math.floor(chance() * whole.length);
                for (let k = 0; k < many; k++) changed[Math.floor(chance() * whole.length)] = 256 * chance();
                files.push([`changed ${number}`, changed], [`cut out ${number}`, Uint8Array.from([...whole.slice(0, from), ...whole.slice(from + many)])]);
            }
            const head = kind === "mid" ? 14 : 60;
            for (let number = 0; number < 200; number++) {
                const noise = Uint8Array.from({length: 600}, () => 256 * chance());
                files.push([`noise ${number}`, noise], [`noise after a head ${number}`, Uint8Array.from([...whole.slice(0, head), ...noise])]);
                if (kind === "mid") files.push([`noise in a track ${number}`, Uint8Array.from([...whole.slice(0, head), 77, 84, 114, 107, 0, 0, 255, 255, 0, 0x90, 60, 90, ...noise])]);
            }
            return lab.openAll(files);
        }};
}

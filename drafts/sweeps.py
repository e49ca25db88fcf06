import sys, time
from pathlib import Path
from utils import cells, data, metrics, sweep

def main():
    real = cells.encode(metrics.windows(data.pieces("train"), hop=1))
    reference = cells.decode(cells.encode(metrics.windows(data.pieces("train"))))
    print(real.shape, reference.shape, flush=True)
    G=(1e-5,5e-5,1e-4,2e-4,5e-4,8e-4,2e-3); D=(1e-5,5e-5,1e-4,2e-4,5e-4)
    GC=[float(f"{4e-5*2**(i/2):.3g}") for i in range(7)]; DC=[float(f"{3.2e-4*2**(.75*i):.3g}") for i in range(5)]
    print(GC, DC, flush=True)
    for configs in (sweep.table("study", G, D, (1,2), 1000), sweep.table("cured", GC, DC, (1,2), 1500), sweep.table("balanced", G, D, (1,2), 1000)):
        t=time.time(); rows=sweep.run(configs, real, reference, "/work/main/outputs/local/fit/train/gan_sweep")
        from collections import Counter
        print(configs[0]["recipe"], Counter(r["verdict"] for r in rows), round(time.time()-t), flush=True)

if __name__ == "__main__":
    main()

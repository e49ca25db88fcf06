import json,glob
from utils import sweep
R=[json.load(open(f)) for f in glob.glob('outputs/local/fit/train/gan_sweep/*.json')]
order=["study","balanced","cured"]
main=[r for r in R if r["recipe"] in order and not (r["recipe"]=="cured" and r["generator_rate"]>r["discriminator_rate"]) and not (r["recipe"]=="cured" and r["seed"]>2)]
main.sort(key=lambda r:(order.index(r["recipe"]),r["generator_rate"],r["discriminator_rate"],r["seed"]))
sweep.write_csv(main,"outputs/gan_sweep/results.csv"); print(len(main))

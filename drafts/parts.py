from utils import cells, data, metrics, sweep
def main():
    real = cells.encode(metrics.windows(data.pieces("train"), hop=1))
    reference = cells.decode(cells.encode(metrics.windows(data.pieces("train"))))
    C=((1.6e-4,),(9.05e-4,))
    parts={"all four": ("cured", *C), "no penalty": ("no_penalty", *C), "slow discriminator": ("cured", *C[::-1]),"no deviation": ("no_deviation", *C), "no average": ("no_average", *C)}
    table=sum((sweep.table(*p,(1,2),1500) for p in parts.values()),[])
    rows=sweep.run(table,real,reference,"/work/main/outputs/local/fit/train/gan_sweep")
    sweep.write_csv(rows,"/work/main/outputs/gan_sweep/parts.csv")
    for r in rows: print(r["recipe"],r["generator_rate"],r["seed"],r["verdict"],r["nn"],r["in_key"],r["chord_rate"])
if __name__=="__main__": main()

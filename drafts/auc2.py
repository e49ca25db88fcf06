exec(open('/tmp/auc.py').read().split("def rooted")[0])
valid=pieces["valid"]; vb,vg=cut(valid)
outl=[p for p in pieces["train"] if len(p.fermatas) and len(p.roll)<=320]
print(len(outl), "outlines", len([p for p in pieces['train'] if p.upbeat==4 and len(p.fermatas) and len(p.roll)<=208]))
def comp(count,names,seed,T,**k):
    rng=np.random.default_rng(seed); drawn=[outl[i] for i in rng.integers(len(outl),size=count//2)]
    strings=rnn.compose([load(rnn.build_two_clock,n) for n in names],[inputs.form(p) for p in drawn],seed=seed,temperature=T,**k)
    w,g=cut([p._replace(roll=text.decode(s)) for p,s in zip(drawn,strings)])
    r=np.random.default_rng(0).permutation(len(w))[:count]
    return w[r],g[r]
V={"both T1 avoid":lambda c,s:comp(c,(GRU,LSTM),s,1.0,avoid_parallels=True),
   "both T.85 avoid":lambda c,s:comp(c,(GRU,LSTM),s,.85,avoid_parallels=True),
   "both T1":lambda c,s:comp(c,(GRU,LSTM),s,1.0),
   "gru T1":lambda c,s:comp(c,(GRU,),s,1.0)}
for n in sys.argv[1:]:
    t=time.time(); a,_=V[n](512,2); b,_=V[n](256,1); t1=time.time()-t
    m=metrics.measure(b)|style.measure(b); print(n, {k:round(float(np.nanmean(v)),3) for k,v in m.items()}, {k:round(v,3) for k,v in style.divergences(b,bach_train).items()})
    for v in critic.judge(bach_train,a,vb,b,vg,1,12): print("  ",v.name,round(v.auc,3),round(v.low,3),round(v.high,3),round(v.taken_for_bach,2),dict(list(v.gives_away.items())[:5]))
    print(round(t1),round(time.time()-t),"s",flush=True)

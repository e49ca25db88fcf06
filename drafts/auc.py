import os, json, time, sys
os.environ["BACH_MODE"]="load"; os.chdir("/work/main/notebooks")
nb=json.load(open('/tmp/nb/05.ipynb')); import matplotlib; matplotlib.use("agg")
display=lambda *a,**k:None
code=[''.join(c['source']) for c in nb['cells'] if c['cell_type']=='code']
for s in code[:6]: exec(s.replace("from IPython.display import HTML, Markdown, display","from IPython.display import HTML, Markdown"))
def rooted(string, form):
    roll=text.decode(string); r=np.flatnonzero(style.rests(roll[None])[0]) if len(roll)>=5 else []
    if len(r)==0: return True
    v=metrics.voices(roll[None]); ok=style._on_its_root(v)[0]
    return bool(ok[r].all())
writers2={"both avoid":lambda c,s:composed(c,(GRU,LSTM),s,avoid_parallels=True),
 "gru":lambda c,s:composed(c,(GRU,),s),
 "both avoid drafts4 rooted":lambda c,s:composed(c,(GRU,LSTM),s,avoid_parallels=True,drafts=4,accept=rooted),
 "choir":voices}
for n in sys.argv[1:]:
    w=writers2[n]; t=time.time(); a,_=w(512,2); b,_=w(256,1); t1=time.time()-t
    m=metrics.measure(b)|style.measure(b); print(n, {k:round(float(np.nanmean(v)),3) for k,v in m.items()}, {k:round(v,3) for k,v in style.divergences(b,bach_train).items()})
    if n=="choir":
        def oe(w):
            c=np.repeat(w[:, ::2],2,axis=1); c[:,1::2][c[:,1::2]==1]=2; return metrics.struck(c)
        kb,ub=oe(bach_train),oe(bach)
    else: kb,ub=bach_train,bach
    for v in critic.judge(kb,a,ub,b,bach_groups,1,12): print("  ",v.name,round(v.auc,3),round(v.low,3),round(v.high,3),round(v.taken_for_bach,2),dict(list(v.gives_away.items())[:5]))
    print(round(t1),round(time.time()-t),"s",flush=True)

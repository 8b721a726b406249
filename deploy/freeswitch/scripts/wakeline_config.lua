-- What wakeline.lua must know of the edge. It holds a secret: chmod 600, owned by the user of FreeSWITCH.
return {
  -- yours: the edge, without a slash at the end
  origin = "https://phone.example.com",
  -- yours: this server's id and secret there (`call_servers` of the site), with the rights `wake` and `gateway`
  credential = "pbx.SECRET",
  -- how long a page may ring, and after how many seconds a call is given up of which the edge says nothing any more; how long somebody
  -- may take to open the page is the site's to say (`limits` there)
  ring_s = 60,
  give_up_s = 120,
  -- seconds of a direct attempt at the mobile before its silence diverts the call
  direct_s = 20,
  -- calls to pages at once, waiting or talking: in all, and for one number
  parked = 200,
  parked_per_line = 8,
  -- a file that the caller hears while the page is being woken, or nothing; never a ringing tone, for nobody rings yet
  announcement = nil,
}
